"""The network: backbone, top classifier, deformation of images on their way in."""
