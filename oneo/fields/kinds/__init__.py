"""The types of fields that tenants define, one file for each kind; `registry` knows them all."""
