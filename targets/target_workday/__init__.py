"""target-workday: suppliers and supplier invoices delivered to Workday."""
