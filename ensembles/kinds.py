"""The kinds of members there are, each of which can be left out of a vote."""

NETWORKS, FEATURES, HEADS, ELSEWHERE, UNEXPORTABLE = "networks", "features", "heads", "elsewhere", "unexportable"
KINDS = {
    NETWORKS: "trials whose networks were trained",
    FEATURES: "trials that are heads on features of frozen networks",
    HEADS: "further heads on the same features, which a build fits itself",
    ELSEWHERE: "tables of other programs (--also)",
    UNEXPORTABLE: "what export cannot take along: heads that ask neighbours, or see several networks",
}
