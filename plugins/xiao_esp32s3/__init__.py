"""Export for the XIAO ESP32S3: raw heads in whole numbers, as ESP-DL or as LiteRT files."""
