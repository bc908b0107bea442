"""The budget: how to split the next period's money over the channels, and how good the split can be proved to be.

`problem` what is asked, `curves` what is known of a channel, `ascent` a locally best plan, `envelope` and
`relaxation` the upper bound, `solver` both together, `plan` the tables.
"""
