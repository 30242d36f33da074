module variants

go 1.19
