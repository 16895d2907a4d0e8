"""The forms of bodies and parameters: this floor knows Marshmallow."""
