"""Live's results to an MQTT broker."""
