"""What a person looks at across all sources: the entries API and the live stream."""
