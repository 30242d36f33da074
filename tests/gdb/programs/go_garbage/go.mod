module garbage

go 1.19
