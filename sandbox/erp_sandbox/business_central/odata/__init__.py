"""OData as far as the service speaks it: paths, query options, filters, pages."""
