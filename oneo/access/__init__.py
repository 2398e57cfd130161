"""The one place for permission and tenancy."""
