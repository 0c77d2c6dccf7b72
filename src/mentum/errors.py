"""Every error raised for a user's material: files, tables, settings, models, images.

    MentumError
    ├── DataError        a table, a folder of images, a taxonomy
    ├── ImageError       one image that cannot be read
    ├── SettingsError    a recipe or an override
    ├── BackboneError    a network that cannot be loaded
    ├── RunError         a run folder
    ├── ModelError       a model folder
    └── BusyError        a place that another process writes

Each message says where, what was found, what was expected and what to do.
"""


class MentumError(ValueError):
    """A user's material is not as Mentum needs it."""


class DataError(MentumError):
    """A specimen table, a taxonomy or a folder of images is faulty."""


class ImageError(MentumError):
    """One image cannot be read."""


class SettingsError(MentumError):
    """A recipe or an override is faulty."""


class BackboneError(MentumError):
    """A backbone network cannot be loaded or cannot be used."""


class RunError(MentumError):
    """A run folder is missing, incomplete or belongs to another command."""


class ModelError(MentumError):
    """A model folder is missing, changed or of another version."""


class BusyError(MentumError):
    """Another process writes what this one would write, or read."""
