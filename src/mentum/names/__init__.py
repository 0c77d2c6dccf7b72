"""From the names that labels carry to taxa with their lineage."""

from mentum.names.reading import read_name, taxon_from_name
from mentum.names.resolver import NameResolver
from mentum.names.taxonomy_file import read_taxonomy

__all__ = ["NameResolver", "read_name", "read_taxonomy", "taxon_from_name"]
