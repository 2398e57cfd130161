"""The one query language: from a query string or JSON to an AST, from there to SQL."""
