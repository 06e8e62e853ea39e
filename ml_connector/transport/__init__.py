"""How systems are reached: HTTP, SOAP, limits and tokens shared between processes, retries."""
