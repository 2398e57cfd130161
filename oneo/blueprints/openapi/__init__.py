"""The OpenAPI document: what the routes say of themselves, completed by what holds for all of them."""
