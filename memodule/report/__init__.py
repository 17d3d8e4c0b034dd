"""Pictures and pages of finished studies."""
