"""What all faces that speak HTTP share: strict JSON, problem documents, bearer tokens, hosts, limits, headers."""
