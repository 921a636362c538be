"""Which way of putting words and voice together is best? `hearken evaluate fusion`."""
