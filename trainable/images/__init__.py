"""From a photo's file to a batch: decoded, stored, cut out, augmented, mixed."""
