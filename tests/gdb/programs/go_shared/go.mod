module shared

go 1.19
