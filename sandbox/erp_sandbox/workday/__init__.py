"""A stand-in of one Workday tenant: its SOAP services and its token endpoint."""
