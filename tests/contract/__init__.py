"""The code blocks, shapes and commands of the source documents, one test a block."""
