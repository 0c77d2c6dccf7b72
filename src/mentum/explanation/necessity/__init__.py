"""Which characters an identification needs: each is replaced by another specimen's, and the answer asked for again."""
