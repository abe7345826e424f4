"""What a proxy does that reads HTTP/1.1: each request of a connection goes where the routes of that moment send it.

Belongs here: the client's connection (`downstream`), those to endpoints (`upstream`), which rule and backend a request
gets (`routing`), and what is written at the head of messages (`heads`). Nothing here knows of Kubernetes.
"""
