module go.example.org/names

go 1.19
