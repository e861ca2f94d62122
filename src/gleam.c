int main_gleam(int argc, char* argv[argc]);
int main_gleam(int, char* argv[]) { (void)argv; return 0; }
