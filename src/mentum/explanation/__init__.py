"""Why was it identified so, and by which character?"""
