"""What a person looks at across all sources: for now, the live stream."""
