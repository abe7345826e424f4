"""The API server: HTTPS in front of the store, speaking what kubectl and the client libraries speak."""
