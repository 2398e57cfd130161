"""What a field type is: how its values are read, compared and stored. One file for each family of types."""
