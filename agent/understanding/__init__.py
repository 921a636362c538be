"""What did the customer mean, and how did they mean it?"""
