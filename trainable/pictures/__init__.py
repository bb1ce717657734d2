"""Pictures of what a network sees and looks at; arrays in, arrays out."""
