"""A stand-in of Microsoft Dynamics 365 Business Central, API v2.0, on loopback.

Facts follow the sheet business-central and its contracts, never what a client happens to send; where they are
unsure the stricter reading is taken, and where reality varies ``behaviour`` has a switch.
"""
