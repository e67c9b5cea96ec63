"""How long stages take, percentiles, reports and recommendations."""
