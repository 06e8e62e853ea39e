"""target-bill: vendors, bills, vendor credits, coding and payments made elsewhere delivered to BILL."""
