module rebuild

go 1.19
