"""A stand-in of BILL's API Platform v3, the reading half that accounts payable needs."""
