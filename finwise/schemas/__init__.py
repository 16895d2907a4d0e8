"""The forms of bodies and parameters: this layer knows Marshmallow."""
