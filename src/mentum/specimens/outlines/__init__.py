"""Where the specimen lies in a picture that nobody outlined, by colour alone.

Two methods, for two errors: a silhouette is the specimen's body as exactly as possible, for its place, size and axis,
and for cropping; a patch is all that may be specimen, for what the background says without it. Both serve photographs
of one specimen before an even background, as under a microscope. A picture from the field, where leaves and branches
are as conspicuous as the animal, often defeats them.
"""
