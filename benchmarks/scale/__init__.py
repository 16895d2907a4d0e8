"""Whether FinWise keeps its pace when there is more: more bookings, more tenants, more readers, one who takes a lot."""
