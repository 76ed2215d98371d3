"""What the APIs of all apps share: who asks, what may be asked, pages of rows, /metrics."""
