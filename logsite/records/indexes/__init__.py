"""What finds entries without reading all: tokens of rows by day, and how many there are of each minute."""
