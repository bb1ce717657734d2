"""Features of frozen networks, and heads on them: a forward pass once a node, then heads at next to no cost.

source    what a table is made of, and so its name            blocks    its files, and how they heal
compute   the forward pass                                    table     tables side by side, row by row
moments   statistics of rows, from which closed forms follow  closed    linear discriminant, ridge
span      fewer rows than features                            direct    logistic regression, nearest neighbours
choose    strengths chosen inside the training rows           views     a trial's tables, and heads asked about them
resemblance, seen   near-duplicates and photos like no other, of a described data folder
"""
