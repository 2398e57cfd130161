"""The Socket.IO face."""
