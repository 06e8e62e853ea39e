"""The properties of the API's entities: names, types, lengths, enums, and what a body may hold."""
