"""What to submit: selection and refinement of votes on arrays of out-of-fold predictions."""
