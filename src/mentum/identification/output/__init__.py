"""Identifications as others read them: tables, Darwin Core, the formats of camera trappers."""
