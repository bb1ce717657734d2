"""The kinds of members there are, each of which can be left out of a vote."""

NETWORKS, FEATURES, HEADS, ELSEWHERE, NEIGHBOURS = "networks", "features", "heads", "elsewhere", "neighbours"
KINDS = {
    NETWORKS: "trials whose networks were trained",
    FEATURES: "trials that are heads on features of frozen networks",
    HEADS: "further heads on the same features, which a build fits itself",
    ELSEWHERE: "tables of other programs (--also)",
    NEIGHBOURS: "of features and heads those that ask nearest neighbours, which export cannot take along",
}
