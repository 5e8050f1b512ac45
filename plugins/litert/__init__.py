"""Export to LiteRT (TensorFlow Lite), for phones and small boards."""
