"""target-business-central: vendors, purchase invoices and vendor payments delivered to Business Central."""
