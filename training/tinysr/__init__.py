"""TinySR for video: model definition, data, training, export and evaluation."""
