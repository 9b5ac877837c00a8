// Only what Go itself has: the modules that it reads are data.
module schemas

go 1.26
